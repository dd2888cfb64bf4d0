"""The version of the tool; the package is built with this one."""

VERSION = "0.5.0"
