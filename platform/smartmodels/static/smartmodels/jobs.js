"use strict";
// Shows how far a job is: by server-sent events, or by asking every two seconds where those do not get through.
(() => {
  const final = ["succeeded", "failed", "cancelled"];
  const show = (box, job) => {
    const bar = box.querySelector("progress");
    if (job.progress.total) {
      bar.max = job.progress.total;
      bar.value = job.progress.done;
    } else if (final.includes(job.state)) {
      bar.max = bar.value = 1;
    }
    box.dataset.state = job.state;
    box.querySelector(".smart-job-state").textContent = job.state;
    box.querySelector(".smart-job-message").textContent = job.progress.message;
    const error = box.querySelector(".smart-job-error");
    error.hidden = !job.error;
    error.textContent = job.error ? job.error.message : "";
  };
  const ask = async (box) => {
    try {
      const answer = await fetch(box.dataset.job, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const job = await answer.json();
        show(box, job);
        if (final.includes(job.state)) return;
      }
    } catch {
      // Asked again below.
    }
    setTimeout(ask, 2000, box);
  };
  const follow = (box) => {
    const source = new EventSource(box.dataset.events);
    source.addEventListener("progress", (event) => show(box, JSON.parse(event.data)));
    source.addEventListener("end", (event) => {
      show(box, JSON.parse(event.data));
      source.close();
    });
    source.addEventListener("error", () => {
      // The browser opens a stream that ended again; one that was refused stays closed.
      if (source.readyState === EventSource.CLOSED) ask(box);
    });
  };
  document.querySelectorAll(".smart-job").forEach((box) => ("EventSource" in window ? follow(box) : ask(box)));
})();
