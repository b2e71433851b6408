"""What a user can mend."""


class UserError(Exception):
    """Something that the user can mend: its text names the file, the row or the option, and the fix."""
