"""From the values of use cases to messages of the contract and back; one module a theme."""
