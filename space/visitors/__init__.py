"""Who a request comes from: addresses, proxies, logins."""
