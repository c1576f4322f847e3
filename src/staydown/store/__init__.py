"""Tables and queries; nobody else writes SQL."""
