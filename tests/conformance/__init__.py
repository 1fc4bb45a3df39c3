"""What AWS documents, asked of an account: the stand-in unless AWS_CONFORMANCE is 1. docs/conformance.md tells how."""
