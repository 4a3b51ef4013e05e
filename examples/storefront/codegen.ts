import type { CodegenConfig } from "@graphql-codegen/cli";

const types = {
  strictScalars: true,
  scalars: { DateTime: "string", JSON: "unknown", Money: "string", WholeNumber: "string" },
  enumsAsTypes: true,
  useTypeImports: true,
};

/** Types for every document of this program and for the whole schema, and the manifest of documents to be trusted. */
const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["src/**/*.{ts,tsx}", "!src/gql/**"],
  generates: {
    "./src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: "sha256" } },
      config: types,
    },
    "./src/gql/schema.ts": { plugins: ["typescript"], config: types },
  },
};

export default config;
