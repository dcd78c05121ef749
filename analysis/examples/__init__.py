"""Short programs that train sparse networks by other people's trainers."""
