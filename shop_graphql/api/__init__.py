"""Everything Strawberry: the types of the graph, its resolvers, and how it is served over HTTP."""
