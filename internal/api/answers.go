package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// answers describes what an operation answers and its type does not say.
func answers(method, path string) map[string]*huma.Response {
	switch method + " " + path {
	case http.MethodGet + " /api/incidents/{id}":
		return map[string]*huma.Response{"304": {Description: "It is as the ETag in If-None-Match says"}}
	case http.MethodGet + " /api/export/incidents":
		return map[string]*huma.Response{"200": {Description: "One incident a line", Content: map[string]*huma.MediaType{
			"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}, "text/csv": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}}
	}
	return nil
}

// failures are the statuses of problems that an operation may answer with. Those with a
// body may find it too large, or of a kind that they do not read.
func failures(method string) []int {
	all := []int{400, 401, 403, 404, 409, 412, 422, 429, 500, 503}
	if method != http.MethodGet {
		all = append(all, 413, 415)
	}
	return all
}
