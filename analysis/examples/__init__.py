"""Small programs that show topolearn in other training frameworks."""
