package contract

import "embed"

// Schemas has the contract for machines: schema/*.json are JSON Schema (2020-12) of every message and body, and
// asyncapi.json (AsyncAPI 3.0) says which travels where. They describe version 1 and are tested against the code.
//
//go:embed schema/*.json asyncapi.json
var Schemas embed.FS
