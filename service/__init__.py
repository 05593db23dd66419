"""The ways to reach the model: command line, HTTP, folders. Sits on top of everything."""
