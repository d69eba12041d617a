"""How each service reacts to events; none of these modules knows another one."""
