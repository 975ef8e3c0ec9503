package main

import (
	"net/http"
	"strings"

	"github.com/kioskeeper/kioskeeper/autoid"
	"github.com/kioskeeper/kioskeeper/autoid/serverdir"
	"github.com/kioskeeper/kioskeeper/autoid/v1"
)

// settingsV1 reads what version 1 is answered by; nil where it is off.
func settingsV1(file *serverdir.V1) (*v1.Settings, error) {
	if file == nil {
		return nil, nil
	}
	key, err := v1.ReadKey(file.PrivateKey)
	if err != nil {
		return nil, err
	}
	entropy, err := v1.ReadEntropy(file.Entropy)
	if err != nil {
		return nil, err
	}
	s := &v1.Settings{Client: file.Client, Key: key, Entropy: entropy, Sources: map[string]autoid.Want{}}
	for source, text := range file.Sources {
		if s.Sources[source], err = autoid.ParseWant(text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// handler has the server answer version 1 too, while that is on. While it is off, its path is one that there is not.
func (s *shelf) handler(server *autoid.Server) http.Handler {
	s.v1.Server = server
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.v1.On() && strings.HasSuffix(r.URL.Path, v1.Path) {
			s.v1.ServeHTTP(w, r)
			return
		}
		server.ServeHTTP(w, r)
	})
}
