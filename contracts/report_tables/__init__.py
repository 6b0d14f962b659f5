"""Tables of reports, protocol by protocol, as typed models; reports hold their JSON form."""
