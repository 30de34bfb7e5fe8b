"""The flow and pressure regulator: what output a valve should get. Pure: time and measurements are arguments."""
