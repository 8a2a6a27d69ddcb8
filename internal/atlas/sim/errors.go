package sim

import (
	"fmt"
	"maps"
	"net/http"
)

// object is a JSON object of an answer.
type object = map[string]any

// problem is an error answer of the API.
type problem struct {
	status int
	code   string
	detail string
	params []any
	fields []object // badRequestDetail
	header http.Header
}

// fail makes a problem whose detail is a sentence with the parameters in it.
func fail(status int, code, format string, params ...any) *problem {
	if params == nil {
		params = []any{}
	}
	return &problem{status: status, code: code, detail: fmt.Sprintf(format, params...), params: params}
}

func bad(code, format string, params ...any) *problem {
	return fail(http.StatusBadRequest, code, format, params...)
}

func missing(code, format string, params ...any) *problem {
	return fail(http.StatusNotFound, code, format, params...)
}

func conflict(code, format string, params ...any) *problem {
	return fail(http.StatusConflict, code, format, params...)
}

// missingAttribute is the answer to a body that lacks a field.
func missingAttribute(name string) *problem {
	return bad("MISSING_ATTRIBUTE", "The required attribute %s was not specified.", name)
}

// invalidField is a validation error that names the field it is about.
func invalidField(field, description string) *problem {
	p := bad("VALIDATION_ERROR", "%s: %s", field, description)
	p.fields = []object{{"field": field, "description": description}}
	return p
}

func unauthorized() *problem {
	return fail(http.StatusUnauthorized, "USER_UNAUTHORIZED", "Current user is not authorized to perform this action.")
}

func (p *problem) body() object {
	out := object{
		"error": p.status, "errorCode": p.code, "reason": http.StatusText(p.status), "detail": p.detail,
	}
	if p.params != nil {
		out["parameters"] = p.params
	}
	if p.fields != nil {
		out["badRequestDetail"] = object{"fields": p.fields}
	}
	return out
}

// answer has the code in a header as well, as recorded answers of the real server.
func (p *problem) answer() answer {
	header := http.Header{}
	maps.Copy(header, p.header)
	header.Set("X-Error-Code", p.code)
	return answer{status: p.status, body: p.body(), header: header, isError: true}
}

// noRoute answers a request that fits no route. An operation of Atlas that this package
// does not serve is said to be that, so that nobody takes it for something missing.
func noRoute(method, path string, known bool) *problem {
	if op, found := unserved(method, path); found {
		return fail(http.StatusNotImplemented, "NOT_SIMULATED", "The operation %s exists in Atlas and is not simulated.", op)
	}
	if known {
		return fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "The method %s is not allowed here.", method)
	}
	return missing("RESOURCE_NOT_FOUND", "Cannot find resource %s.", path)
}
