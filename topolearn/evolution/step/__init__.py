"""One evolution step of a network, from its links and scores to the links after it; nothing is changed in place."""
