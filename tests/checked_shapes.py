"""How the tests check annotations: by beartype, shapes by jaxtyping; an int passes where a float is asked for."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
