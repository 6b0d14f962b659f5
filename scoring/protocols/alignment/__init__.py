"""The protocol `alignment`: answer distributions per country."""
