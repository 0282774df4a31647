// Package house tests the rules of the house: who may import whom, what every RPC declares, how long a file may be, that documents, the
// compose file and the OpenAPI document say what is there. It has no code of its own; each rule's message says what to do instead.
package house
