// Package gen carries the one generated artifact that is no Go code. Everything below this folder is machine-written.
package gen

import _ "embed"

// OpenAPI is the OpenAPI 2.0 document of the REST interface, JSON.
//
//go:embed openapi/netraven.swagger.json
var OpenAPI []byte
