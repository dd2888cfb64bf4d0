"""Import of snapshots into an archive and export from one."""
