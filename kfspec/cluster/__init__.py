"""The only place with a network: transport, observation, execution."""
