"""The simulated scanner: scan lines, echogenicity of the views, speckle, receive chain, scan conversion."""
