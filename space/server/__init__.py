"""The web server: app, endpoints, static site, deployment."""
