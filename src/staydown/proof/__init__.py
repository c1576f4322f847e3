"""The means by which a person proves who is there: passkeys, passwords, identity providers."""
