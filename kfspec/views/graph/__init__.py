"""The graph of what feeds what, for a pull request (mermaid), for Graphviz, for machines and for a browser."""
