package standin

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The page on which a person switches faults, and the same for scripts:
//
//	curl -d part=sts -d kind=5xx http://127.0.0.1:PORT/_standin/fault      (also action, count, delay=2s)
//	curl -d '' http://127.0.0.1:PORT/_standin/clear                        (or part=sts)
//	curl http://127.0.0.1:PORT/_standin/state.json

const controlPath = "/_standin/"

func (s *Server) serveControl(w http.ResponseWriter, c *call) {
	// Another site's page in the same browser must not switch anything.
	if site := c.Header.Get("Sec-Fetch-Site"); c.Method != http.MethodGet && site != "" && site != "same-origin" {
		http.Error(w, "cross-site request refused", http.StatusForbidden)
		return
	}
	c.Body = http.MaxBytesReader(w, c.Body, maxBody)
	switch c.Method + " " + c.URL.Path[len(controlPath):] {
	case "GET ":
		writePage(w, http.StatusOK, "control.html", map[string]any{
			"State": s.state(), "Parts": []Part{STS, Federation, Console, SecretsManager, SSM}, "Kinds": kinds(),
		})
	case "GET state.json":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.state())
	case "POST fault":
		f := Fault{Part: Part(c.FormValue("part")), Kind: Kind(c.FormValue("kind")), Action: c.FormValue("action")}
		var err error
		if f.Count, err = strconv.Atoi(cmp.Or(c.FormValue("count"), "0")); err == nil {
			f.Delay, err = time.ParseDuration(cmp.Or(c.FormValue("delay"), "5s"))
		}
		if err == nil {
			err = s.SetFault(f)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, c.Request, controlPath, http.StatusSeeOther)
	case "POST clear":
		if part := c.FormValue("part"); part != "" {
			s.ClearFaults(Part(part))
		} else {
			s.ClearFaults()
		}
		http.Redirect(w, c.Request, controlPath, http.StatusSeeOther)
	default:
		http.NotFound(w, c.Request)
	}
}

// state is everything that a person may see.
func (s *Server) state() map[string]any {
	requests := s.Requests()
	slices.Reverse(requests)
	s.mu.Lock()
	faults := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		faults = append(faults, f)
	}
	s.mu.Unlock()
	slices.SortFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Part, b.Part) })
	return map[string]any{
		"Now": s.now().UTC(), "Sessions": s.Sessions(), "Faults": faults, "Counts": s.Counts(),
		"Requests": requests[:min(len(requests), 200)],
	}
}
