"""Actions on the store by people and commands; none yet: claims, decisions and sign-off are planned."""
