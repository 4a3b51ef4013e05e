"""From a GraphQL operation to one SQL statement that returns the finished JSON of its answer."""
