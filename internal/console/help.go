package console

import "net/http"

type helpView struct {
	Keys   [][2]string
	Words  [][2]string
	Levels [][3]string
	Roles  []roleView
}

func showHelp(v *visit) error {
	return v.show(http.StatusOK, "help", "Help", helpView{
		Keys: [][2]string{
			{"j", "next row or sentence"},
			{"k", "the one before"},
			{"Enter", "open it"},
			{"x", "mark the row"},
			{"a", "assign to me: what is marked, or is open"},
			{"b", "say why it is benign, on the list"},
			{"v", "judge, on an incident"},
			{"n", "write a note, on an incident"},
			{"Ctrl Enter", "send what you write"},
			{"u", "up, from one to the list"},
			{"/", "search"},
			{"Esc", "leave a field"},
			{"g h", "Home"},
			{"g i", "Incidents"},
			{"g e", "Entities"},
			{"g s", "Sources"},
			{"?", "this list, and turning the keys off"},
		},
		Words: [][2]string{
			{"Entity", "Somebody or something that takes part: a machine, an account, a controller, a place outside."},
			{"Signal", "One measured quantity of an entity, such as the bytes it sends outside in an hour."},
			{"Finding", "A claim that an entity did something unusual, with the records that show it."},
			{"Facet", "A kind of evidence, such as volume or new destination. Within a kind the strongest finding counts; kinds add up."},
			{"Nats", "A measure of surprise: minus the natural logarithm of a probability. 3 nats are reached one time in 20, 7 nats one time in 1,100."},
			{"Incident", "Findings that belong together, with the reasons why, and what is to be made of them."},
			{"Surfaced", "Shown to people. The rest is kept below the line, each with its reason, and can be looked at."},
			{"Score", "0 to 100. At 50 an incident has as much evidence as the budget asks for; each as much again halves what is missing to 100."},
			{"Budget", "How many false incidents may be shown per 1,000 entities and day. It sets what is surfaced; you choose it."},
			{"Verdict", "What an investigation concludes: malicious, suspicious, or benign and explained. Yours stands above the machine's."},
		},
		Levels: [][3]string{
			{"almost certain", "95 % or more", "Act on it."},
			{"likely", "70 to 95 %", "Look at what speaks against it, then act."},
			{"possible", "30 to 70 %", "Find out more before you act."},
			{"unlikely", "below 30 %", "It is shown for what it would mean if it were so, or because you asked."},
		},
		Roles: roles(),
	})
}
