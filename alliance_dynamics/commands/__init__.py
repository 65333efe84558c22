"""The commands of `alliance`, one file each: what it does, its options, and the call behind it."""
