"""Small programs that show topolearn in other people's trainers."""
