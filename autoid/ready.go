package autoid

import "time"

// Ready tells whether the server can answer, and when its newest key was made; zero is with the server.
func (s *Server) Ready() (newestKey time.Time, err error) {
	s.start()
	id, err := s.state.identity.get()
	if err != nil {
		return newestKey, err
	}
	return id.Keys[len(id.Keys)-1].NotBefore, nil
}
