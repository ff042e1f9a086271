SELECT probes FROM store_probe WHERE only = 1
