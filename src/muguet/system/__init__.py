"""The machine: devices, memory, interrupts, and files that are written whole or not at all."""
