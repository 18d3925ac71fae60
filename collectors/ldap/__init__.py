"""The LDAP collector: OpenLDAP, Active Directory and other directories, read over LDAP version 3."""

from collectors.ldap.collector import LdapCollector

__all__ = ["LdapCollector"]
