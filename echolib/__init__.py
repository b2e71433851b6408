"""The left ventricle in echocardiography: four papers, one compact package, numbered notebooks."""

__version__ = "0.1.0"
