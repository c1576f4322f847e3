"""Tables as text: comma, semicolon or tab."""
