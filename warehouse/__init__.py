"""The shell: the only code that touches disk, network, environment or clock."""
