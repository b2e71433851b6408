"""EchoNet-Dynamic (Ouyang et al., Nature 580, 2020), the base system of all four papers."""
