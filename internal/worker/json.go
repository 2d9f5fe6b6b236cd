package worker

import (
	"bytes"
	"encoding/json"
)

// appendJSON appends s as a JSON string, without the HTML escapes that AWS does
// not write.
func appendJSON(b []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("worker: a string could not be written as JSON: " + err.Error())
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
