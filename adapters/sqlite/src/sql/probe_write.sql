UPDATE store_probe SET probes = probes + 1 WHERE only = 1
