// Package lambdahttp serves an http.Handler on Lambda: behind a function URL, or an API Gateway of either kind.
package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/lambda"
)

// Serve answers Lambda's invocations until the process is ended.
func Serve(ctx context.Context, h http.Handler) {
	lambda.StartWithOptions(func(ctx context.Context, event json.RawMessage) (*Response, error) {
		return Handle(ctx, h, event)
	}, lambda.WithContext(ctx))
}

// An event is what HTTP becomes on its way to a function: payload 2.0 of function URLs and HTTP APIs, and 1.0 of REST APIs.
type event struct {
	Version         string              `json:"version"` // 2.0; 1.0 or nothing
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders"`
	Body            string              `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
	// 2.0
	RawPath  string   `json:"rawPath"`
	RawQuery string   `json:"rawQueryString"`
	Cookies  []string `json:"cookies"`
	// 1.0
	Path   string `json:"path"`
	Method string `json:"httpMethod"`

	Context struct {
		HTTP struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
		Identity struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
	} `json:"requestContext"`
}

// A Response is what a function answers; each kind of caller takes what it knows of it.
type Response struct {
	StatusCode      int                 `json:"statusCode"`
	Headers         map[string]string   `json:"headers"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders,omitempty"`
	Body            string              `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
}

// Handle answers one invocation.
func Handle(ctx context.Context, h http.Handler, text []byte) (*Response, error) {
	r, err := request(ctx, text)
	if err != nil {
		return nil, err
	}
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, r)
	return w.response(), nil
}

func request(ctx context.Context, text []byte) (*http.Request, error) {
	var e event
	// The decoder's own errors may quote the event.
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, errors.New("event: not one of HTTP")
	}
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, errors.New("event: a body that is not base64")
		}
	}
	method, path, from := e.Context.HTTP.Method, e.RawPath, e.Context.HTTP.SourceIP
	if e.Version != "2.0" {
		method, path, from = e.Method, e.Path, e.Context.Identity.SourceIP
	}
	if method == "" {
		return nil, errors.New("event: not one of HTTP: no method")
	}
	r, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("event: method: %q", method)
	}
	r.URL = &url.URL{Path: path, RawQuery: e.RawQuery}
	r.RequestURI = path
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	for name, values := range e.MultiHeaders {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	r.Host = r.Header.Get("Host")
	// Who sent it is what the gateway saw, not what a header says.
	r.RemoteAddr = net.JoinHostPort(from, "0")
	return r, nil
}

// A recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *recorder) response() *Response {
	w.WriteHeader(http.StatusOK)
	r := &Response{StatusCode: w.status, Headers: map[string]string{}, MultiHeaders: map[string][]string{}}
	for name, values := range w.sent {
		if len(values) > 0 { // an empty one tells net/http to leave the header out
			r.Headers[name] = strings.Join(values, ", ")
			r.MultiHeaders[name] = values
		}
	}
	// A REST API decodes only what it is told is binary, and sends a text as it is; so texts go as texts.
	if body := w.body.Bytes(); strings.HasPrefix(w.sent.Get("Content-Type"), "text/") && utf8.Valid(body) {
		r.Body = string(body)
	} else {
		r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return r
}
