"""What other tools take: engines that turn rows of the record into their formats."""
