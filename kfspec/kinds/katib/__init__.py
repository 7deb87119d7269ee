"""Katib: experiments, their trials, and what the webhook and the suggestion services make of them."""
