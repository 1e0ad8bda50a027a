"""Our files for the other hosts, over WADO-RS (PS3.18 10.4): a process of its own, no site."""
