package standin

import (
	"encoding/json"
	"net/http"
	"strings"
)

// The parts that speak AWS's JSON protocol, version 1.1: the operation is in X-Amz-Target, and every refusal that is not
// the service's own fault has status 400. [D]
const (
	SecretsManager Part = "secretsmanager"
	SSM            Part = "ssm"
	KMS            Part = "kms"
)

// A jsonService is one of them.
type jsonService struct {
	target  string // in front of the dot in X-Amz-Target
	actions []string
	answer  func(s *Server, c *call, who credential) (any, *stsError)
}

func jsonServices() map[Part]jsonService {
	return map[Part]jsonService{
		SecretsManager: {"secretsmanager", []string{"GetSecretValue"}, (*Server).getSecretValue},
		SSM:            {"AmazonSSM", []string{"GetParameter"}, (*Server).getParameter},
		KMS:            {"TrentService", []string{"GenerateDataKey", "Decrypt"}, (*Server).answerKMS},
	}
}

// jsonPart finds the service that a request's target names; "" if it names none.
func jsonPart(r *http.Request) Part {
	target, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	for part, service := range jsonServices() {
		if target == service.target {
			return part
		}
	}
	return ""
}

func (s *Server) serveJSON(w http.ResponseWriter, c *call) {
	service := jsonServices()[c.part]
	who, refusal := s.authenticate(c)
	var answer any
	switch {
	case refusal != nil:
	case c.action == "":
		refusal = &stsError{code: "UnknownOperationException"}
	default:
		answer, refusal = service.answer(s, c, who)
	}
	if refusal != nil {
		writeJSONError(w, *refusal)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// decode reads the call's body into a struct of the operation's parameters.
func (c *call) decode(into any) *stsError {
	if err := json.Unmarshal(c.body, into); err != nil {
		return &stsError{code: "SerializationException", message: "could not parse the request"}
	}
	return nil
}

// writeJSONError refuses in these services' words, where STS has others for the same. [D]
func writeJSONError(w http.ResponseWriter, e stsError) {
	code, ok := map[string]string{
		"MissingAuthenticationToken": "MissingAuthenticationTokenException",
		"IncompleteSignature":        "IncompleteSignatureException",
		"InvalidClientTokenId":       "UnrecognizedClientException",
		"SignatureDoesNotMatch":      "InvalidSignatureException",
		"ExpiredToken":               "ExpiredTokenException",
		"AccessDenied":               "AccessDeniedException",
		"Throttling":                 "ThrottlingException",
	}[e.code]
	if !ok {
		code = e.code
	}
	status := http.StatusBadRequest
	if e.status >= http.StatusInternalServerError {
		status = e.status
	}
	w.Header().Set("X-Amzn-ErrorType", code)
	writeJSON(w, status, map[string]string{"__type": code, "message": e.message})
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil { // the answers always marshal
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
