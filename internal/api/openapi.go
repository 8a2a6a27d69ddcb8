package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
)

//go:embed openapi.json
var openapi string

// Document is the description of the API, OpenAPI 3.
func Document() string { return openapi }

// document is GET /api/v1/openapi.json: of what this daemon has.
func (s *Server) document(*http.Request, identity) (answer, error) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(openapi), &doc); err != nil {
		return answer{}, err
	}
	there := map[string]bool{}
	for _, r := range s.routes() {
		there[r.path+" "+strings.ToLower(r.method)] = true
	}
	for _, r := range s.More {
		there[r.Path+" "+strings.ToLower(r.Method)] = true
	}
	paths, _ := doc["paths"].(map[string]any)
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method := range methods {
			if method != "parameters" && !there[path+" "+method] {
				delete(paths, path)
			}
		}
	}
	return answer{body: doc}, nil
}
