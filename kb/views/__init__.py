"""The app: one Streamlit page in each module, over `shell` and three modules of parts; see README.md beside this file."""
