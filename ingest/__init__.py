"""Turns bytes from gateways into batches, and hands them on until they are durable."""
