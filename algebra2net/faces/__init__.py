"""What people see of a net: the sheet in a terminal, and later as pictures, pages and notebooks."""
